/** What the pages of link surveys say of their own, in the languages that the survey's renderer knows too. */
import type { Obstacle } from "../../link-surveys/service.ts";
import { wordsIn } from "../../shared/localized-words.ts";

type Notice = readonly [heading: string, text: string];

export interface PageWords {
  survey: string;
  continue: string;
  pin: Notice;
  wrongPin: string;
  needsScript: string;
  obstacles: Readonly<Record<Obstacle, Notice>>;
}

/** By a language tag; English for a language there are no words in. */
export const pageWordsOf = (tag: string): PageWords => wordsIn(PAGE_WORDS, tag) ?? ENGLISH;

/** Whether the tag is one of a language that there are words in. */
export const hasWords = (tag: string): boolean =>
  /^[a-z]{2,3}([-_][a-z0-9]{2,8})*$/i.test(tag) && wordsIn(PAGE_WORDS, tag) !== undefined;

const ENGLISH: PageWords = {
  survey: "Survey",
  continue: "Continue",
  pin: ["This survey is protected by a PIN", "Please enter the four digits you were given."],
  wrongPin: "That is not the PIN of this survey.",
  needsScript: "This survey needs JavaScript.",
  obstacles: {
    notFound: ["This survey does not exist", "Please check the link you were given."],
    expired: ["This link has expired", "Please ask for a new one."],
    paused: ["This survey is paused", "It takes no answers right now. Please come back later."],
    completed: ["This survey is closed", "It takes no more answers. Thank you for your interest."],
    singleUseInvalid: ["This link is not valid", "Please use the link exactly as you were given it."],
    singleUseUsed: ["This link was used already", "It is good for one answer, which we have. Thank you."],
    answered: ["You have answered already", "Your answers have arrived. Thank you."],
    unverified: ["Your email address must be verified", "This server sends no mail. Please use the link you were mailed."],
  },
};

const ARABIC: PageWords = {
  survey: "استبيان",
  continue: "متابعة",
  pin: ["هذا الاستبيان محمي برمز PIN", "يرجى إدخال الأرقام الأربعة التي حصلت عليها."],
  wrongPin: "ليس هذا رمز PIN الخاص بهذا الاستبيان.",
  needsScript: "يحتاج هذا الاستبيان إلى JavaScript.",
  obstacles: {
    notFound: ["هذا الاستبيان غير موجود", "يرجى التحقق من الرابط الذي حصلت عليه."],
    expired: ["انتهت صلاحية هذا الرابط", "يرجى طلب رابط جديد."],
    paused: ["هذا الاستبيان متوقف مؤقتًا", "لا يستقبل إجابات الآن. يرجى العودة لاحقًا."],
    completed: ["هذا الاستبيان مغلق", "لم يعد يستقبل إجابات. شكرًا لاهتمامك."],
    singleUseInvalid: ["هذا الرابط غير صالح", "يرجى استخدام الرابط كما حصلت عليه تمامًا."],
    singleUseUsed: ["سبق استخدام هذا الرابط", "يصلح لإجابة واحدة، وقد وصلتنا. شكرًا لك."],
    answered: ["لقد أجبت من قبل", "وصلت إجاباتك. شكرًا لك."],
    unverified: ["يجب التحقق من بريدك الإلكتروني", "لا يرسل هذا الخادم بريدًا. يرجى استخدام الرابط المرسل إليك بالبريد."],
  },
};

const GERMAN: PageWords = {
  survey: "Umfrage",
  continue: "Weiter",
  pin: ["Diese Umfrage ist durch eine PIN geschützt", "Bitte geben Sie die vier Ziffern ein, die Sie bekommen haben."],
  wrongPin: "Das ist nicht die PIN dieser Umfrage.",
  needsScript: "Diese Umfrage braucht JavaScript.",
  obstacles: {
    notFound: ["Diese Umfrage gibt es nicht", "Bitte prüfen Sie den Link, den Sie bekommen haben."],
    expired: ["Dieser Link ist abgelaufen", "Bitte fragen Sie nach einem neuen."],
    paused: ["Diese Umfrage ist unterbrochen", "Sie nimmt gerade keine Antworten an. Bitte kommen Sie später wieder."],
    completed: ["Diese Umfrage ist beendet", "Sie nimmt keine Antworten mehr an. Vielen Dank für Ihr Interesse."],
    singleUseInvalid: ["Dieser Link ist nicht gültig", "Bitte verwenden Sie den Link genau so, wie Sie ihn bekommen haben."],
    singleUseUsed: ["Dieser Link wurde schon benutzt", "Er gilt für eine Antwort, und die haben wir. Vielen Dank."],
    answered: ["Sie haben schon geantwortet", "Ihre Antworten sind angekommen. Vielen Dank."],
    unverified: [
      "Ihre E-Mail-Adresse muss bestätigt werden",
      "Dieser Server verschickt keine E-Mails. Bitte verwenden Sie den Link aus der E-Mail an Sie.",
    ],
  },
};

const SPANISH: PageWords = {
  survey: "Encuesta",
  continue: "Continuar",
  pin: ["Esta encuesta está protegida con un PIN", "Introduzca los cuatro dígitos que ha recibido."],
  wrongPin: "Ese no es el PIN de esta encuesta.",
  needsScript: "Esta encuesta necesita JavaScript.",
  obstacles: {
    notFound: ["Esta encuesta no existe", "Compruebe el enlace que ha recibido."],
    expired: ["Este enlace ha caducado", "Pida uno nuevo, por favor."],
    paused: ["Esta encuesta está en pausa", "Ahora no admite respuestas. Vuelva más tarde, por favor."],
    completed: ["Esta encuesta está cerrada", "Ya no admite respuestas. Gracias por su interés."],
    singleUseInvalid: ["Este enlace no es válido", "Use el enlace exactamente como lo ha recibido."],
    singleUseUsed: ["Este enlace ya se ha usado", "Vale para una sola respuesta, y ya la tenemos. Gracias."],
    answered: ["Ya ha respondido", "Hemos recibido sus respuestas. Gracias."],
    unverified: [
      "Hay que verificar su correo electrónico",
      "Este servidor no envía correo. Use el enlace que recibió por correo.",
    ],
  },
};

const FRENCH: PageWords = {
  survey: "Enquête",
  continue: "Continuer",
  pin: ["Cette enquête est protégée par un code PIN", "Veuillez saisir les quatre chiffres que vous avez reçus."],
  wrongPin: "Ce n’est pas le code PIN de cette enquête.",
  needsScript: "Cette enquête nécessite JavaScript.",
  obstacles: {
    notFound: ["Cette enquête n’existe pas", "Veuillez vérifier le lien que vous avez reçu."],
    expired: ["Ce lien a expiré", "Veuillez en demander un nouveau."],
    paused: ["Cette enquête est suspendue", "Elle n’accepte pas de réponses pour le moment. Veuillez revenir plus tard."],
    completed: ["Cette enquête est terminée", "Elle n’accepte plus de réponses. Merci de votre intérêt."],
    singleUseInvalid: ["Ce lien n’est pas valide", "Veuillez utiliser le lien exactement tel que vous l’avez reçu."],
    singleUseUsed: ["Ce lien a déjà été utilisé", "Il vaut pour une seule réponse, que nous avons reçue. Merci."],
    answered: ["Vous avez déjà répondu", "Vos réponses nous sont parvenues. Merci."],
    unverified: [
      "Votre adresse e-mail doit être vérifiée",
      "Ce serveur n’envoie pas d’e-mails. Veuillez utiliser le lien reçu par e-mail.",
    ],
  },
};

const HINDI: PageWords = {
  survey: "सर्वेक्षण",
  continue: "जारी रखें",
  pin: ["यह सर्वेक्षण पिन से सुरक्षित है", "कृपया वे चार अंक लिखें जो आपको दिए गए थे।"],
  wrongPin: "यह इस सर्वेक्षण का पिन नहीं है।",
  needsScript: "इस सर्वेक्षण के लिए JavaScript चाहिए।",
  obstacles: {
    notFound: ["यह सर्वेक्षण मौजूद नहीं है", "कृपया वह लिंक जाँचें जो आपको दिया गया था।"],
    expired: ["इस लिंक की अवधि समाप्त हो गई है", "कृपया नया लिंक माँगें।"],
    paused: ["यह सर्वेक्षण रुका हुआ है", "अभी उत्तर नहीं लिए जा रहे हैं। कृपया बाद में आएँ।"],
    completed: ["यह सर्वेक्षण बंद हो चुका है", "अब उत्तर नहीं लिए जाते। आपकी रुचि के लिए धन्यवाद।"],
    singleUseInvalid: ["यह लिंक मान्य नहीं है", "कृपया लिंक ठीक वैसे ही इस्तेमाल करें जैसे वह आपको मिला था।"],
    singleUseUsed: ["यह लिंक पहले ही इस्तेमाल हो चुका है", "यह एक ही उत्तर के लिए है, जो हमें मिल चुका है। धन्यवाद।"],
    answered: ["आप पहले ही उत्तर दे चुके हैं", "आपके उत्तर मिल गए हैं। धन्यवाद।"],
    unverified: ["आपके ईमेल पते की पुष्टि आवश्यक है", "यह सर्वर ईमेल नहीं भेजता। कृपया ईमेल में मिला लिंक इस्तेमाल करें।"],
  },
};

const ITALIAN: PageWords = {
  survey: "Sondaggio",
  continue: "Continua",
  pin: ["Questo sondaggio è protetto da un PIN", "Inserire le quattro cifre ricevute."],
  wrongPin: "Non è il PIN di questo sondaggio.",
  needsScript: "Questo sondaggio richiede JavaScript.",
  obstacles: {
    notFound: ["Questo sondaggio non esiste", "Controllare il link ricevuto."],
    expired: ["Questo link è scaduto", "Si prega di chiederne uno nuovo."],
    paused: ["Questo sondaggio è sospeso", "Al momento non accetta risposte. Si prega di tornare più tardi."],
    completed: ["Questo sondaggio è chiuso", "Non accetta più risposte. Grazie per l’interesse."],
    singleUseInvalid: ["Questo link non è valido", "Usare il link esattamente come è stato ricevuto."],
    singleUseUsed: ["Questo link è già stato usato", "Vale per una sola risposta, che abbiamo già. Grazie."],
    answered: ["Ha già risposto", "Le risposte sono arrivate. Grazie."],
    unverified: [
      "L’indirizzo e-mail deve essere verificato",
      "Questo server non invia e-mail. Usare il link ricevuto per e-mail.",
    ],
  },
};

const JAPANESE: PageWords = {
  survey: "アンケート",
  continue: "続ける",
  pin: ["このアンケートはPINで保護されています", "お伝えした4桁の数字を入力してください。"],
  wrongPin: "このアンケートのPINではありません。",
  needsScript: "このアンケートにはJavaScriptが必要です。",
  obstacles: {
    notFound: ["このアンケートは存在しません", "リンクをご確認ください。"],
    expired: ["このリンクは期限切れです", "新しいリンクをご依頼ください。"],
    paused: ["このアンケートは一時停止中です", "現在、回答を受け付けていません。後ほどお越しください。"],
    completed: ["このアンケートは終了しました", "回答の受け付けは終了しました。ありがとうございました。"],
    singleUseInvalid: ["このリンクは無効です", "受け取ったリンクをそのままお使いください。"],
    singleUseUsed: ["このリンクは使用済みです", "1回の回答にのみ有効で、すでに受け取っています。ありがとうございました。"],
    answered: ["すでに回答済みです", "回答は届いています。ありがとうございました。"],
    unverified: ["メールアドレスの確認が必要です", "このサーバーはメールを送信しません。メールで届いたリンクをお使いください。"],
  },
};

const DUTCH: PageWords = {
  survey: "Enquête",
  continue: "Doorgaan",
  pin: ["Deze enquête is beveiligd met een pincode", "Vul de vier cijfers in die u hebt gekregen."],
  wrongPin: "Dat is niet de pincode van deze enquête.",
  needsScript: "Deze enquête heeft JavaScript nodig.",
  obstacles: {
    notFound: ["Deze enquête bestaat niet", "Controleer de link die u hebt gekregen."],
    expired: ["Deze link is verlopen", "Vraag om een nieuwe."],
    paused: ["Deze enquête is onderbroken", "Er worden nu geen antwoorden aangenomen. Kom later terug."],
    completed: ["Deze enquête is gesloten", "Er worden geen antwoorden meer aangenomen. Bedankt voor uw belangstelling."],
    singleUseInvalid: ["Deze link is niet geldig", "Gebruik de link precies zoals u hem hebt gekregen."],
    singleUseUsed: ["Deze link is al gebruikt", "Hij is goed voor één antwoord, en dat hebben we. Bedankt."],
    answered: ["U hebt al geantwoord", "Uw antwoorden zijn aangekomen. Bedankt."],
    unverified: ["Uw e-mailadres moet worden bevestigd", "Deze server verstuurt geen e-mail. Gebruik de link uit uw e-mail."],
  },
};

const PORTUGUESE: PageWords = {
  survey: "Pesquisa",
  continue: "Continuar",
  pin: ["Esta pesquisa é protegida por um PIN", "Digite os quatro dígitos que você recebeu."],
  wrongPin: "Esse não é o PIN desta pesquisa.",
  needsScript: "Esta pesquisa precisa de JavaScript.",
  obstacles: {
    notFound: ["Esta pesquisa não existe", "Verifique o link que você recebeu."],
    expired: ["Este link expirou", "Peça um novo, por favor."],
    paused: ["Esta pesquisa está pausada", "No momento ela não aceita respostas. Volte mais tarde, por favor."],
    completed: ["Esta pesquisa está encerrada", "Ela não aceita mais respostas. Obrigado pelo interesse."],
    singleUseInvalid: ["Este link não é válido", "Use o link exatamente como o recebeu."],
    singleUseUsed: ["Este link já foi usado", "Ele vale para uma só resposta, que já temos. Obrigado."],
    answered: ["Você já respondeu", "Suas respostas chegaram. Obrigado."],
    unverified: ["Seu e-mail precisa ser verificado", "Este servidor não envia e-mails. Use o link que você recebeu por e-mail."],
  },
};

const ROMANIAN: PageWords = {
  survey: "Sondaj",
  continue: "Continuă",
  pin: ["Acest sondaj este protejat cu un PIN", "Introduceți cele patru cifre primite."],
  wrongPin: "Acesta nu este PIN-ul sondajului.",
  needsScript: "Acest sondaj are nevoie de JavaScript.",
  obstacles: {
    notFound: ["Acest sondaj nu există", "Verificați linkul primit."],
    expired: ["Acest link a expirat", "Vă rugăm să cereți altul."],
    paused: ["Acest sondaj este întrerupt", "Momentan nu primește răspunsuri. Reveniți mai târziu."],
    completed: ["Acest sondaj este închis", "Nu mai primește răspunsuri. Vă mulțumim pentru interes."],
    singleUseInvalid: ["Acest link nu este valid", "Folosiți linkul exact așa cum l-ați primit."],
    singleUseUsed: ["Acest link a fost deja folosit", "Este valabil pentru un singur răspuns, pe care îl avem. Vă mulțumim."],
    answered: ["Ați răspuns deja", "Răspunsurile au ajuns. Vă mulțumim."],
    unverified: ["Adresa de e-mail trebuie verificată", "Acest server nu trimite e-mailuri. Folosiți linkul primit prin e-mail."],
  },
};

const RUSSIAN: PageWords = {
  survey: "Опрос",
  continue: "Продолжить",
  pin: ["Этот опрос защищён ПИН-кодом", "Введите четыре цифры, которые вам сообщили."],
  wrongPin: "Это не ПИН-код этого опроса.",
  needsScript: "Для опроса нужен JavaScript.",
  obstacles: {
    notFound: ["Такого опроса нет", "Проверьте полученную ссылку."],
    expired: ["Срок действия ссылки истёк", "Попросите, пожалуйста, новую."],
    paused: ["Опрос приостановлен", "Сейчас ответы не принимаются. Зайдите, пожалуйста, позже."],
    completed: ["Опрос завершён", "Ответы больше не принимаются. Спасибо за интерес."],
    singleUseInvalid: ["Ссылка недействительна", "Откройте ссылку в точности так, как вы её получили."],
    singleUseUsed: ["Ссылка уже использована", "Она годится для одного ответа, и он у нас есть. Спасибо."],
    answered: ["Вы уже ответили", "Ваши ответы получены. Спасибо."],
    unverified: ["Нужно подтвердить адрес эл. почты", "Этот сервер не отправляет писем. Откройте ссылку из письма."],
  },
};

const SWEDISH: PageWords = {
  survey: "Enkät",
  continue: "Fortsätt",
  pin: ["Enkäten skyddas av en PIN-kod", "Ange de fyra siffror du har fått."],
  wrongPin: "Det är inte enkätens PIN-kod.",
  needsScript: "Enkäten behöver JavaScript.",
  obstacles: {
    notFound: ["Enkäten finns inte", "Kontrollera länken du har fått."],
    expired: ["Länken har gått ut", "Be om en ny."],
    paused: ["Enkäten är pausad", "Den tar inte emot svar just nu. Kom tillbaka senare."],
    completed: ["Enkäten är stängd", "Den tar inte emot fler svar. Tack för ditt intresse."],
    singleUseInvalid: ["Länken är inte giltig", "Använd länken precis som du fick den."],
    singleUseUsed: ["Länken har redan använts", "Den gäller för ett svar, och det har vi. Tack."],
    answered: ["Du har redan svarat", "Dina svar har kommit fram. Tack."],
    unverified: ["Din e-postadress måste bekräftas", "Servern skickar ingen e-post. Använd länken du fick med e-post."],
  },
};

const SIMPLIFIED_CHINESE: PageWords = {
  survey: "问卷",
  continue: "继续",
  pin: ["此问卷受 PIN 保护", "请输入您收到的四位数字。"],
  wrongPin: "这不是此问卷的 PIN。",
  needsScript: "此问卷需要 JavaScript。",
  obstacles: {
    notFound: ["此问卷不存在", "请检查您收到的链接。"],
    expired: ["此链接已过期", "请索取新的链接。"],
    paused: ["此问卷已暂停", "目前不接受回答，请稍后再来。"],
    completed: ["此问卷已结束", "不再接受回答。感谢您的关注。"],
    singleUseInvalid: ["此链接无效", "请原样使用您收到的链接。"],
    singleUseUsed: ["此链接已使用过", "它只能用于一次作答，我们已经收到。谢谢。"],
    answered: ["您已经作答", "我们已收到您的回答。谢谢。"],
    unverified: ["需要验证您的电子邮箱", "此服务器不发送邮件。请使用邮件中的链接。"],
  },
};

const TRADITIONAL_CHINESE: PageWords = {
  survey: "問卷",
  continue: "繼續",
  pin: ["此問卷受 PIN 保護", "請輸入您收到的四位數字。"],
  wrongPin: "這不是此問卷的 PIN。",
  needsScript: "此問卷需要 JavaScript。",
  obstacles: {
    notFound: ["此問卷不存在", "請檢查您收到的連結。"],
    expired: ["此連結已過期", "請索取新的連結。"],
    paused: ["此問卷已暫停", "目前不接受回答，請稍後再來。"],
    completed: ["此問卷已結束", "不再接受回答。感謝您的關注。"],
    singleUseInvalid: ["此連結無效", "請原樣使用您收到的連結。"],
    singleUseUsed: ["此連結已使用過", "它只能用於一次作答，我們已經收到。謝謝。"],
    answered: ["您已經作答", "我們已收到您的回答。謝謝。"],
    unverified: ["需要驗證您的電子郵件", "此伺服器不寄送郵件。請使用郵件中的連結。"],
  },
};

const PAGE_WORDS: Readonly<Record<string, PageWords>> = {
  ar: ARABIC,
  de: GERMAN,
  en: ENGLISH,
  es: SPANISH,
  fr: FRENCH,
  hi: HINDI,
  it: ITALIAN,
  ja: JAPANESE,
  nl: DUTCH,
  pt: PORTUGUESE,
  ro: ROMANIAN,
  ru: RUSSIAN,
  sv: SWEDISH,
  "zh-Hans": SIMPLIFIED_CHINESE,
  "zh-Hant": TRADITIONAL_CHINESE,
};
